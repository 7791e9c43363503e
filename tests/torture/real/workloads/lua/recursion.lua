-- Deep recursion: in Lua, and in Lua's parser, pattern matcher and C calls, which recurse on the native stack.
local function ackermann(m, n)
    if m == 0 then return n + 1 end
    if n == 0 then return ackermann(m - 1, 1) end
    return ackermann(m - 1, ackermann(m, n - 1))
end
print(ackermann(2, 12))

local function depth(n) return n == 0 and 0 or 1 + depth(n - 1) end
print(depth(2000))
print(pcall(function() local function forever(n) return 1 + forever(n + 1) end return forever(1) end))

-- Each level is a C call: metamethods, string.gsub, table.sort, load.
local function through_gsub(n)
    if n == 0 then return "bottom" end
    return (string.gsub("x", "x", function() return through_gsub(n - 1) end))
end
print(through_gsub(100))
local meta = {}
meta.__index = function(t, k) return k == 0 and 0 or t[k - 1] + 1 end
print(setmetatable({}, meta)[100])
print(select(2, pcall(through_gsub, 250)))

-- The parser: parentheses, tables, functions.
local n = 150
print(load("return " .. string.rep("(", n) .. "1" .. string.rep(")", n))())
print(#load("return " .. string.rep("{", n) .. string.rep("}", n))())
print(load(string.rep("return function() ", 80) .. "return 7 " .. string.rep("end ", 80)) ~= nil)
print(load("return " .. string.rep("(", 1000) .. "1" .. string.rep(")", 1000)))
print(load("return " .. string.rep("-", 150, " ") .. "5")())
print(pcall(string.find, string.rep("a", 300), string.rep("(a", 40)))
print(pcall(string.find, string.rep("a", 300), string.rep("a?", 210)), pcall(string.find, "a", string.rep("a?", 100)))
