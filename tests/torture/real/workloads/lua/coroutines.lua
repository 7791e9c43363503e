-- Lua's own coroutines, which resume each other on one native stack.
local function permutations(list, n)
    n = n or #list
    if n <= 1 then coroutine.yield(list) end
    for i = 1, n do
        list[n], list[i] = list[i], list[n]
        permutations(list, n - 1)
        list[n], list[i] = list[i], list[n]
    end
end
local seen = 0
for p in coroutine.wrap(function() permutations {1, 2, 3, 4, 5} end) do seen = seen + p[1] end
print(seen)

local function primes()
    local function generate() for i = 2, math.huge do coroutine.yield(i) end end
    local function filter(p, source) for n in source do if n % p ~= 0 then coroutine.yield(n) end end end
    local source = coroutine.wrap(generate)
    return coroutine.wrap(function()
        while true do
            local p = source()
            coroutine.yield(p)
            local inner = source
            source = coroutine.wrap(function() filter(p, inner) end)
        end
    end)
end
local next_prime, sum = primes(), 0
for _ = 1, 40 do sum = sum + next_prime() end
print(sum)

local function nest(n) if n == 0 then return coroutine.isyieldable() and "bottom" end return coroutine.wrap(nest)(n - 1) end
print(nest(100))
print(pcall(nest, 300))
local threads = {}
for i = 1, 200 do threads[i] = coroutine.create(function(a) for _ = 1, 3 do a = a + coroutine.yield(a * i) end return a end) end
local total = 0
for _ = 1, 4 do for _, t in ipairs(threads) do local ok, v = coroutine.resume(t, 2); total = total + v end end
print(total, coroutine.status(threads[1]), coroutine.resume(threads[1]))
local c = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() print("closed") end}) coroutine.yield() end)
coroutine.resume(c)
print(coroutine.close(c), select(2, coroutine.running()))
local s = coroutine.wrap(function() return pcall(table.sort, {1, 2, 3}, function(a, b) coroutine.yield() return a < b end) end)
print(s())
