-- Write path, step 5: the outbox was looked at, and drained, by a look that began at ARGV[1].
-- KEYS: mark   ARGV: when the look began, how long its mark lasts (ms, by this server's clock)
-- The end is a time, not a span: a look that took long, or whose process was stopped, leaves no mark.
local last = tonumber(ARGV[1]) + tonumber(ARGV[2])
local now, present = now_ms(), tonumber(get_string(KEYS[1]) or '')
if last <= now or present and present <= now and present >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', string.format('%.0f', last))
return 1
