-- Write path, step 2. KEYS: tag ...   ARGV: token, hold ms, fresh generation
local now = now_ms()
local fresh = made_up(ARGV[3])
local deadline = string.format('%.0f', now + tonumber(ARGV[2]))
for i = 1, #KEYS do
  local value = get_string(KEYS[i])
  local generation, holders = fresh, {}
  if value then
    local lapsed
    generation, holders, lapsed = parse_tag(value, now, ARGV[1])
    if lapsed or not generation then generation = fresh end
  end
  holders[#holders + 1] = ARGV[1] .. ':' .. deadline
  write_tag(KEYS[i], generation, holders, tonumber(ARGV[2]))
end
return #KEYS
