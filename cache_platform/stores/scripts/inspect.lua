-- What is under an entry's key, for somebody who only looks: nothing is written, made up or leased.
-- KEYS: entry, epoch, tag ...   ARGV: digest, strict
-- Returns now, the entry or '', whether its generations are the current ones, and whether a tag is held.
local now = now_ms()
local raw = redis.call('MGET', unpack(KEYS))
local strict = ARGV[2] == '1'
local signature = {'E1', ARGV[1], strict and raw[2] or '-'}
local held, known = false, raw[2] or not strict
for i = 3, #KEYS do
  local generation, holders, lapsed = parse_tag(raw[i] or '', now)
  held = held or #holders > 0
  known = known and generation and not lapsed
  signature[#signature + 1] = generation or ''
end
local head = table.concat(signature, ' ') .. '\n'
local valid = known and raw[1] and string.sub(raw[1], 1, #head) == head
return {now, raw[1] or '', valid and 1 or 0, held and 1 or 0}
