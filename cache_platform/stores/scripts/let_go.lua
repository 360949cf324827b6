-- Write path, step 3, definite failure. KEYS: tag ...   ARGV: token, fresh generation, tag ms
local now = now_ms()
for i = 1, #KEYS do
  local value = get_string(KEYS[i])
  if value then
    local generation, holders, lapsed = parse_tag(value, now, ARGV[1])
    if lapsed or not generation then generation = made_up(ARGV[2]) end
    write_tag(KEYS[i], generation, holders, tonumber(ARGV[3]))
  end
end
return #KEYS
