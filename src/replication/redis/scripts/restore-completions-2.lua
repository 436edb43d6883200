-- Restores counts that Redis lost and a node still has: the larger count wins.
--
-- KEYS[1]  hash: infohash in hex → count
-- KEYS[2]  sorted set: infohash → number of the change that made its count
-- ARGV     infohash in hex, infohash in 20 bytes, count; for each torrent
-- Returns  the number of restored counts
local last = redis.call('zrevrange', KEYS[2], 0, 0, 'withscores')
local change = tonumber(last[2] or 0)
local larger = 0
for index = 1, #ARGV, 3 do
  local known = tonumber(redis.call('hget', KEYS[1], ARGV[index]) or 0)
  if tonumber(ARGV[index + 2]) > known then
    change = change + 1
    larger = larger + 1
    redis.call('hset', KEYS[1], ARGV[index], ARGV[index + 2])
    redis.call('zadd', KEYS[2], change, ARGV[index + 1])
  end
end
return larger
