-- Restores counts that Redis lost and a node still has: the larger count wins.
--
-- KEYS[1]  hash: infohash in hex → count
-- KEYS[2]  sorted set: infohash → number of the change that made its count
-- ARGV     infohash in hex, infohash in 20 bytes, count; for each torrent
-- Returns  the number of restored counts
-- No node writes such a number; it would hide every later change.
redis.call('zremrangebyscore', KEYS[2], '1000000000000000', '+inf')
local last = redis.call('zrevrange', KEYS[2], 0, 0, 'withscores')
local change = tonumber(last[2] or 0)
local larger = 0
for index = 1, #ARGV, 3 do
  -- 0 for a value that is not a number, which includes 'nan'.
  local known = tonumber(redis.call('hget', KEYS[1], ARGV[index]) or 0) or 0
  if not (known >= 0 and known < 1000000000000000) then known = 0 end
  if tonumber(ARGV[index + 2]) > known then
    change = change + 1
    larger = larger + 1
    redis.call('hset', KEYS[1], ARGV[index], ARGV[index + 2])
    redis.call('zadd', KEYS[2], change, ARGV[index + 1])
  end
end
return larger
