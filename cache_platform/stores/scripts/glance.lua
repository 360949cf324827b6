-- An entry that is read ahead, for somebody who is not let in yet: nothing is written, made up or leased.
-- KEYS: entry, epoch, tag ...   ARGV: digest, strict, how long a mark lasts
-- Returns nothing unless the entry is fresh beyond doubt; else now, its signature, itself, and whether it is believed.
local now = now_ms()
local entry, head = good_entry(1, ARGV[1], ARGV[2] == '1', now)
if not entry then return false end
return {now, head, entry, (ARGV[2] ~= '1' or looked_at(KEYS[2], now, tonumber(ARGV[3]))) and 1 or 0}
