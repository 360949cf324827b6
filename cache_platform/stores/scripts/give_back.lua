-- A slot that was taken is free again: KEYS: log ...   ARGV: member.
local freed = 0
for _, key in ipairs(KEYS) do
  local removed = redis.pcall('ZREM', key, ARGV[1])
  if type(removed) == 'number' then freed = freed + removed end
end
return freed
