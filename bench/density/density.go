// The same as density.cpp for goroutines: what waits at a channel is suspended. Usage: density COUNT
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const spikeBytes = 32 << 10

type command int

const (
	idle command = iota
	spike
	end
)

//go:noinline
func recurse(bytes int) int {
	var frame [12]int
	frame[0] = bytes
	if bytes > 128 {
		frame[1] = recurse(bytes - 128)
	}
	return frame[0] + frame[bytes%12]
}

func body(commands chan command, done *sync.WaitGroup) {
	for what := range commands {
		if what == spike {
			recurse(spikeBytes)
		}
		done.Done()
		if what == end {
			return
		}
	}
}

// In /proc/self/status, in KiB.
func statusBytes(field string) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, field+":") {
			kib, err := strconv.Atoi(strings.Fields(line)[1])
			if err != nil {
				panic(err)
			}
			return kib << 10
		}
	}
	return 0
}

func memoryBytes() int { return statusBytes("VmRSS") + statusBytes("VmPTE") }

func measure(name string, count int, f func()) {
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	start := time.Now()
	f()
	took := time.Since(start)
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	n := float64(count)
	user := time.Duration(after.Utime.Nano() - before.Utime.Nano())
	fmt.Printf(", \"%s_ns\": %.1f, \"%s_user_ns\": %.1f, \"%s_faults\": %.3f", name, float64(took.Nanoseconds())/n, name,
		float64(user.Nanoseconds())/n, name, float64(after.Minflt-before.Minflt)/n)
}

func main() {
	count, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Printf("{\"kind\": \"goroutine\", \"count\": %d", count)
	var done sync.WaitGroup
	commands := make(chan command)
	tell := func(what command, many int) {
		done.Add(many)
		for i := 0; i < many; i++ {
			commands <- what
		}
		done.Wait()
	}
	before := memoryBytes()
	bytesEach := func() float64 { return float64(memoryBytes()-before) / float64(count) }
	measure("create", count, func() {
		done.Add(count)
		for i := 0; i < count; i++ {
			go func() {
				done.Done()
				body(commands, &done)
			}()
		}
		done.Wait()
		runtime.Gosched()
	})
	fmt.Printf(", \"bytes\": %.1f", bytesEach())
	measure("resume", count, func() { tell(idle, count) })
	// In parts: all at once would need 64 KiB each before the collector shrinks them.
	measure("spike", count, func() {
		for rest := count; rest > 0; rest -= 100000 {
			part := rest
			if part > 100000 {
				part = 100000
			}
			tell(spike, part)
			runtime.GC()
		}
		runtime.GC()
		debug.FreeOSMemory()
	})
	fmt.Printf(", \"bytes_after_spike\": %.1f", bytesEach())
	measure("end", count, func() { tell(end, count) })
	fmt.Printf(", \"peak_bytes\": %d}\n", statusBytes("VmHWM")+statusBytes("VmPTE"))
}
