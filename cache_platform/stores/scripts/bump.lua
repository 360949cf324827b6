-- Write path, step 4: new generations, own hold removed. KEYS: tag ...   ARGV: token or '', generation, tag ms
local now = now_ms()
local fresh = made_up(ARGV[2])
for i = 1, #KEYS do
  local value = get_string(KEYS[i])
  local holders = {}
  if value then
    local generation
    generation, holders = parse_tag(value, now, ARGV[1])
  end
  write_tag(KEYS[i], fresh, holders, tonumber(ARGV[3]))
end
return #KEYS
