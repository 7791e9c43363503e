-- Errors: pcall, xpcall, error through many levels, in coroutines, in metamethods, in C functions that call back, in __close.
local function thrower(n, value) if n == 0 then error(value) end local r = thrower(n - 1, value) return r end
for _, value in ipairs {"a string", 42, {}, false} do
    local ok, e = pcall(thrower, 100, value)
    print(ok, type(e) == "table" and "table" or e)
end
print(xpcall(thrower, function(m) return "handled: " .. tostring(m):upper() end, 50, "deep"))
print(select("#", xpcall(thrower, debug.traceback, 5, "traced")))

local function nested(n)
    if n == 0 then error("innermost", 0) end
    local ok, e = pcall(nested, n - 1)
    error(e .. "<" .. n, 0)
end
print(pcall(nested, 30))
local count = 0
for i = 1, 500 do
    local ok = pcall(function() if i % 3 == 0 then error(i) end local t = nil; if i % 3 == 1 then return t.x end end)
    count = count + (ok and 1 or 0)
end
print(count)

print(pcall(table.sort, {3, 1, 2, 5, 4}, function(a, b) if a == 5 or b == 5 then error("while sorting", 0) end return a < b end))
print(pcall(string.gsub, "abc", "%w", function(c) if c == "b" then error("in gsub", 0) end end))
print(pcall(function() return setmetatable({}, {__add = function() error("in __add", 0) end}) + 1 end))
print(load("x = = 1"), load("for"), load(function() error("reader", 0) end))
print(pcall(load, "return 1", "name", "b"), pcall(error), pcall(pcall), pcall(setmetatable, 1, 2))

local co = coroutine.wrap(function()
    for i = 1, 5 do
        local ok, e = pcall(function() coroutine.yield(i); error("after yield " .. i, 0) end)
        coroutine.yield(e)
    end
    error("ends the coroutine", 0)
end)
for _ = 1, 10 do io.write(tostring(co()), " ") end
print(pcall(co))

do
    local log = {}
    local ok, e = pcall(function()
        local a <close> = setmetatable({}, {__close = function(_, err) log[#log + 1] = "a:" .. tostring(err) end})
        local b <close> = setmetatable({}, {__close = function(_, err) log[#log + 1] = "b:" .. tostring(err) error("from close", 0) end})
        error("body", 0)
    end)
    print(ok, e, table.concat(log, " "))
end
print(pcall(string.rep), pcall(("x").bad), pcall(next, {}, 1), pcall(tonumber, "1", 99))
collectgarbage()
do
    local t = setmetatable({}, {__gc = function() error("in gc") end})
    t = nil
    collectgarbage()
    print("still here")
end
