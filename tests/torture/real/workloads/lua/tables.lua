-- Tables, closures, sorting and the garbage collector, generational too.
local seed = 42
local function random(n) seed = (seed * 1103515245 + 12345) % 2147483648 return seed % n + 1 end
local t = {}
for i = 1, 600 do t[i] = random(100000) end
table.sort(t)
print(t[1], t[300], t[600])
table.sort(t, function(a, b) if a % 10 ~= b % 10 then return a % 10 < b % 10 end return a > b end)
print(t[1], t[300], t[600])
print(pcall(table.sort, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, function() return true end))

local function counter() local n = 0 return function() n = n + 1 return n end, function() return n end end
local up, get = counter()
for _ = 1, 100 do up() end
print(get())
local fs = {}
for i = 1, 100 do fs[i] = function() i = i + 1 return i end end
print(fs[1](), fs[1](), fs[100]())

local function tree(d) if d == 0 then return {} end return {tree(d - 1), tree(d - 1)} end
local function size(n) return n[1] and 1 + size(n[1]) + size(n[2]) or 1 end
for _, mode in ipairs {"incremental", "generational"} do
    collectgarbage(mode)
    local kept, total = {}, 0
    for i = 1, 10 do kept[i % 4] = tree(6); total = total + size(kept[i % 4]) end
    collectgarbage()
    print(mode, total)
end
local weak, finalized = setmetatable({}, {__mode = "k"}), 0
for i = 1, 200 do weak[setmetatable({}, {__gc = function() finalized = finalized + 1 end})] = i end
collectgarbage(); collectgarbage()
print(next(weak), finalized)

local list = table.pack(table.unpack(t, 1, 200))
table.move(list, 1, 100, 51)
table.insert(list, 1, "first"); table.remove(list, 2)
print(list.n, #list, list[1], list[60], select(-1, table.unpack(list, 1, 100)))
local object = setmetatable({}, {__index = function(_, k) return k .. "!" end, __call = function(_, ...) return select("#", ...) end, __len = function() return 9 end, __eq = function() return true end, __lt = function() return true end, __concat = function(a, b) return "cat" end})
print(object.key, object(1, nil, nil), #object, object < object, object .. "x", rawlen(object))
print(math.tointeger(3.0), math.fmod(7, 3), math.type(1), math.ult(1, -1), string.format("%.14g", math.pi))
print(load("local a <const> = 5; goto done; do a = 1 end ::done:: return a"))
