-- Counts completions, each client and torrent once an hour, regardless of the number of nodes that received it. A node
-- that did not get the response may therefore repeat the call.
--
-- KEYS[1]  hash: infohash in hex → count
-- KEYS[2]  sorted set: infohash → number of the change that made its count
-- KEYS[3]  sorted set: infohash and client → until when it is not counted again, in milliseconds
-- ARGV     infohash (20 bytes) and client (4 bytes) in one, for each completion
-- Returns  1; all nodes read the counts by their changes
local HOUR = 3600000
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('zremrangebyscore', KEYS[3], '-inf', now)
redis.call('zremrangebyscore', KEYS[3], '(' .. string.format('%.0f', now + HOUR), '+inf')
-- No node writes such a number; it would hide every later change.
redis.call('zremrangebyscore', KEYS[2], '1000000000000000', '+inf')
local last = redis.call('zrevrange', KEYS[2], 0, 0, 'withscores')
local change = tonumber(last[2] or 0)
for _, completion in ipairs(ARGV) do
  if redis.call('zadd', KEYS[3], 'nx', now + HOUR, completion) == 1 then
    local infohash = string.sub(completion, 1, 20)
    local hex = string.gsub(infohash, '.', function(byte) return string.format('%02x', string.byte(byte)) end)
    change = change + 1
    -- A value that is not a number is replaced. A larger one that a node still has is restored.
    if type(redis.pcall('hincrby', KEYS[1], hex, 1)) == 'table' then redis.call('hset', KEYS[1], hex, 1) end
    redis.call('zadd', KEYS[2], change, infohash)
  end
end
redis.call('pexpire', KEYS[3], HOUR)
return 1
