-- Strings: building them in luaL_Buffer (a local of C functions), patterns, formats, packing.
local parts = {}
for i = 1, 300 do parts[#parts + 1] = string.format("%5d|%-8s|%8.3f|%q|%x|%g", i, "s" .. i, i / 7, "a\n" .. i, i * 7919, i * 1e10) end
local text = table.concat(parts, "\n")
print(#text, text:sub(1, 200))
local words = {}
for word in text:gmatch("%w+") do words[word] = (words[word] or 0) + 1 end
local keys = {}
for k in pairs(words) do keys[#keys + 1] = k end
table.sort(keys)
print(#keys, keys[1], keys[#keys])
print((text:gsub("(%d+)|(%w+)", "%2=%1"):sub(1, 100)))
print((text:gsub("%d", {["1"] = "one", ["2"] = false}):sub(1, 100)))
print(select(2, text:gsub("s(%d)", function(d) return d == "7" and string.rep("seven", 50) or nil end)))
print(string.rep("abc", 3000, ","):reverse():upper():sub(1, 40))
print(("%s"):rep(20):format(table.unpack((function() local t = {} for i = 1, 20 do t[i] = setmetatable({}, {__tostring = function() return "<" .. i .. ">" end}) end return t end)())))
print(string.pack(">i4z d s2", 77, "zero", 3.5, "counted"):byte(1, -1))
print(string.unpack("<i8 s1 B", string.pack("<i8 s1 B", -5, "short", 200)))
print(utf8.char(228, 8364, 0x1F600), utf8.len("äöü€"), utf8.codepoint("äöü", 1, -1))
print(pcall(string.rep, "x", 1 << 40), pcall(string.format, "%d", 1.5))
print(string.format("%q", string.rep("\0\"\\", 50)):len(), tostring(1e100), 2^53, 7 // 2, -7 % 3, 1 << 62, "10" + 5)
local long = {}
for i = 1, 2000 do long[i] = tostring(i) end
print(#table.concat(long, string.rep("-", 50)))
