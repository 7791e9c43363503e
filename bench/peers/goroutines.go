// Peer: goroutines, with the stacks of the compiler that this is built with: golang-go copies them, gccgo links segments.
//
// A pair is two hand-overs by unbuffered channels on one processor: that is how a goroutine resumes another and waits for it.
package main

import (
	"fmt"
	"runtime"
	"sort"
	"syscall"
	"time"
	"unsafe"
)

var peer = map[string]string{"gc": "goroutine", "gccgo": "gccgo"}[runtime.Compiler]

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

func report(cost, parameter string, ns float64) {
	fmt.Printf("{\"cost\": \"%s\", \"peer\": \"%s\", \"parameter\": \"%s\", \"ns\": %.3f}\n", cost, peer, parameter, ns)
}

func timeOf(times int, step func()) float64 {
	start := time.Now()
	for i := 0; i < times; i++ {
		step()
	}
	return float64(time.Since(start).Nanoseconds())
}

// As measure.hpp: the median of many batches of 0.5 ms or more.
func measure(cost, parameter string, step func()) {
	times := 1
	for timeOf(times, step) < 5e5 {
		times *= 2
	}
	var each []float64
	for i := 0; i < 25; i++ {
		each = append(each, timeOf(times, step)/float64(times))
	}
	report(cost, parameter, median(each))
}

// On a new goroutine, whose stack starts small.
func run(body func()) {
	done := make(chan bool)
	go func() {
		body()
		done <- true
	}()
	<-done
}

// With gccgo on the heap, as any local whose address is taken.
//
//go:noinline
func here() uintptr {
	var local byte
	return uintptr(unsafe.Pointer(&local))
}

//go:noinline
func recurse(frames int, bottom *uintptr) byte {
	var local [56]byte
	local[frames%56] = byte(frames)
	if frames == 0 {
		*bottom = here()
		return local[0]
	}
	return recurse(frames-1, bottom) + local[frames%56]
}

func maxRssBytes() int {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return int(usage.Maxrss) << 10
}

// By addresses on a stack that has grown already; with gccgo by the memory that many frames take, in words.
func frameBytes() int {
	var one, two uintptr
	if peer == "gccgo" {
		const frames = 100000
		before := maxRssBytes()
		run(func() { recurse(frames, &one) })
		return ((maxRssBytes()-before)/frames + 4) / 8 * 8
	}
	run(func() {
		recurse(2, &two)
		recurse(1, &one)
		recurse(2, &two)
	})
	return int(one - two)
}

func measureGrowth() {
	frame := frameBytes()
	for bytes := 4 << 10; bytes <= 8<<20; bytes *= 2 {
		frames := bytes / frame
		kib := float64(frames*frame) / 1024
		rounds := (2 << 20) / bytes
		if rounds > 40 {
			rounds = 40
		}
		if rounds < 3 {
			rounds = 3
		}
		var first, again []float64
		for i := 0; i <= rounds; i++ {
			run(func() {
				var bottom uintptr
				start := time.Now()
				recurse(frames, &bottom)
				between := time.Now()
				recurse(frames, &bottom)
				end := time.Now()
				if i > 0 { // the first warms the memory
					first = append(first, float64(between.Sub(start).Nanoseconds())/kib)
					again = append(again, float64(end.Sub(between).Nanoseconds())/kib)
				}
			})
		}
		report("growth", fmt.Sprintf("%d/first", bytes), median(first))
		report("growth", fmt.Sprintf("%d/again", bytes), median(again))
	}
}

//go:noinline
func callee(x int) int {
	var frame [512]byte
	frame[x&511] = byte(x)
	return int(frame[0]) + 1
}

//go:noinline
func loop(times int) int {
	sum := 0
	for i := 0; i < times; i++ {
		sum += callee(sum & 1)
	}
	return sum
}

type timedLoop struct {
	leastNs float64
	bottom  uintptr // where it ran
}

//go:noinline
func descend(frames int, timed *timedLoop) int {
	if frames > 0 {
		return descend(frames-1, timed) + frames&1
	}
	const times = 1000
	timed.bottom = here()
	sum := loop(1) // what grows once has grown
	for i := 0; i < 3; i++ {
		start := time.Now()
		sum += loop(times)
		if ns := float64(time.Since(start).Nanoseconds()) / times; ns < timed.leastNs {
			timed.leastNs = ns
		}
	}
	return sum
}

func smallFrameBytes() int {
	var one, two timedLoop
	run(func() {
		descend(2, &two)
		descend(1, &one)
		descend(2, &two)
	})
	return int(one.bottom - two.bottom)
}

func measureHotSplit() {
	frame := smallFrameBytes()
	for frames := 0; frames*frame < 20*1024; frames++ {
		timed := timedLoop{leastNs: 1e9}
		run(func() { descend(frames, &timed) })
		report("hot_split", fmt.Sprint(frames*frame), timed.leastNs)
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	there, back := make(chan bool), make(chan bool)
	go func() {
		for {
			<-there
			back <- true
		}
	}()
	measure("switch", "pair", func() {
		there <- true
		<-back
	})
	measure("create", "run", func() { run(func() {}) })
	measure("create", "yield", func() { run(runtime.Gosched) })
	measureGrowth()
	if peer != "gccgo" { // whose first segment is 4 MiB long: nothing to see before
		measureHotSplit()
	}
}
