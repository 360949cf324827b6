-- Read path, steps 2 and 3: entry, generations, epoch and lease in one round trip.
-- KEYS: entry, lease, epoch, tag ...   ARGV: digest, strict, fresh generation, tag ms, token or '', lease ms, longest back-off ms, how long a mark lasts
-- May write when the memory is used up (allow-oom): generations and leases are small, and without them nothing works.
-- Not `no-writes`: a server that refuses bumps must refuse reads too, so that the breaker opens.
local now = now_ms()
local raw = redis.call('MGET', unpack(KEYS))
local entry, lease = raw[1], raw[2]
local token = ARGV[5]
local believed = (ARGV[2] ~= '1' or looked_at(KEYS[3], now, tonumber(ARGV[8]))) and 1 or 0
local signature, held = current(raw, 4, ARGV[1], ARGV[2] == '1', ARGV[3], now, tonumber(ARGV[4]))

local valid = entry and string.sub(entry, 1, #signature + 1) == signature .. '\n'
local superseded = 0
if entry and not valid then superseded = 1 end
if not valid then entry = '' end

local wanted = token ~= '' and not held
if wanted and valid then
  local refresh = string.match(entry, '^%d+ (%d+) ', #signature + 2)
  wanted = not refresh or now >= tonumber(refresh)
end
if not wanted then return {now, signature, held and 1 or 0, entry, superseded, '-', 0, 0, believed} end

-- A lease that never ends, or a back-off longer than any, is not ours and does not count.
local failures = 0
if lease then
  local kind, owner, count = string.match(lease, '^([BLN]) (%x+) (%d+)$')
  if kind == 'B' then
    local left = (tonumber(owner, 10) or 0) - now
    failures = math.min(tonumber(count), 30)
    if left > 0 and left <= tonumber(ARGV[7]) then
      return {now, signature, 0, entry, superseded, 'B', left, failures, believed}
    end
  elseif kind and owner ~= token then
    local left = redis.call('PTTL', KEYS[2])
    if left > 0 then return {now, signature, 0, entry, superseded, kind, left, 0, believed} end
  end
end
redis.call('SET', KEYS[2], 'L ' .. token .. ' ' .. failures, 'PX', ARGV[6])
return {now, signature, 0, entry, superseded, 'W', 0, failures, believed}
