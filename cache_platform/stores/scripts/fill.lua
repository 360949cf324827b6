-- Read path, step 5: store what was loaded, with the generations read before any of its inputs.
-- KEYS: entry, lease, epoch, tag ...
-- ARGV: digest, strict, fresh generation, tag ms, token or '', signature, blob, keep ms, loaded
-- Not allow-oom: a full server answers OOM before anything is written.
local raw = redis.call('MGET', unpack(KEYS))
if ARGV[5] ~= '' and raw[2] and string.sub(raw[2], 1, #ARGV[5] + 2) == 'L ' .. ARGV[5] then
  redis.call('DEL', KEYS[2])
end
local signature, held = current(raw, 4, ARGV[1], ARGV[2] == '1', ARGV[3], now_ms(), tonumber(ARGV[4]))
if held or signature ~= ARGV[6] then return 'superseded' end
if raw[1] and string.sub(raw[1], 1, #signature + 1) == signature .. '\n' then
  local loaded = string.match(raw[1], '^(%d+) ', #signature + 2)
  if loaded and tonumber(loaded) > tonumber(ARGV[9]) then return 'newer' end
end
redis.call('SET', KEYS[1], ARGV[7], 'PX', ARGV[8])
for i = 4, #KEYS do redis.call('PEXPIRE', KEYS[i], ARGV[4], 'GT') end
return 'stored'
