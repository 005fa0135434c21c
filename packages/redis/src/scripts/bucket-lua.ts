/**
 * A bucket in Redis: a few numbers in one string. Tokens are counted in grains, 2^-40 of a token or coarser so that every
 * sum stays exact; times are microseconds of Redis's clock.
 *
 * `leased` is what processes hold and have not accounted for; `flying0` and `flying1` are tokens that were given for one
 * decision and may be spent any moment until `lands0`, `lands1`. Tokens flow in only as far as the burst minus all of these:
 * so whatever the processes do, tokens here plus tokens in their hands never exceed the burst, and no window of any length
 * W sees more than burst + rate × W. What the lapse of a lease frees counts from that moment on.
 *
 * Most buckets of many have seen single decisions only: theirs is the short form, six numbers.
 */
export const BUCKET_LUA: string = `
local call, pack, unpack = redis.call, struct.pack, struct.unpack
local SHORT, SHORT_BYTES, LONG = '<dddddd', 48, '<ddddddddddd'

local function limitOf(rate, burst)
  local _, exponent = math.frexp(burst)
  local grains = math.ldexp(1, math.min(40, 51 - exponent))
  return { rate = rate, burst = burst, grains = grains, size = math.floor(burst * grains), flow = rate * grains / 1000000 }
end

local function emptyBucket(limit)
  return { limit = limit, tokens = 0, updated = began, leased = 0, earliest = 0, latest = 0,
    flying0 = 0, lands0 = 0, flying1 = 0, lands1 = 0 }
end

-- The bucket that was saved; an empty one if it is forgotten; nil, rate and burst if others use it with another limit.
local function read(saved, limit)
  local tokens, updated, leased, earliest, latest, flying0, lands0, flying1, lands1, rate, burst
  if #saved == SHORT_BYTES then
    leased, earliest, latest, flying0, lands0 = 0, 0, 0, 0, 0
    tokens, updated, flying1, lands1, rate, burst = unpack(SHORT, saved)
  else
    tokens, updated, leased, earliest, latest, flying0, lands0, flying1, lands1, rate, burst = unpack(LONG, saved)
  end
  if updated < began then return emptyBucket(limit) end
  if rate ~= limit.rate or burst ~= limit.burst then return nil, rate, burst end
  return { limit = limit, tokens = tokens, updated = updated, leased = leased, earliest = earliest, latest = latest,
    flying0 = flying0, lands0 = lands0, flying1 = flying1, lands1 = lands1 }
end

local function flow(bucket, till)
  if till <= bucket.updated then return end
  local gain = math.floor((till - bucket.updated) * bucket.limit.flow)
  local room = bucket.limit.size - bucket.leased - bucket.flying0 - bucket.flying1 - bucket.tokens
  if gain > room then gain = room end
  if gain > 0 then bucket.tokens = bucket.tokens + gain end
  bucket.updated = till
end

local function elapse(bucket)
  if bucket.flying0 > 0 and bucket.lands0 <= now then flow(bucket, bucket.lands0) bucket.flying0 = 0 end
  if bucket.flying1 > 0 and bucket.lands1 <= now then flow(bucket, bucket.lands1) bucket.flying1 = 0 end
  if bucket.leased > 0 and bucket.latest <= now then flow(bucket, bucket.latest) bucket.leased = 0 end
  flow(bucket, now)
end

-- How long until that many tokens are there, if nobody else takes any.
local function waitFor(bucket, need)
  local wait = 0
  if bucket.tokens < need then wait = math.ceil((need - bucket.tokens) / bucket.limit.flow) end
  if bucket.updated > now then wait = wait + bucket.updated - now end
  if bucket.limit.size - bucket.leased - bucket.flying0 - bucket.flying1 < need then
    local frees = math.huge
    if bucket.leased > 0 then frees = bucket.earliest end
    if bucket.flying0 > 0 then frees = math.min(frees, bucket.lands0) end
    if bucket.flying1 > 0 then frees = math.min(frees, bucket.lands1) end
    if frees < math.huge then wait = math.max(wait, frees - now) end
  end
  return wait
end

-- Kept until it is full and nothing of it is out: then no bucket is the same as a full one.
local function save(key, bucket)
  local limit = bucket.limit
  local idle = math.max(now, bucket.updated)
  if bucket.leased > 0 then idle = math.max(idle, bucket.latest) end
  if bucket.flying0 > 0 then idle = math.max(idle, bucket.lands0) end
  if bucket.flying1 > 0 then idle = math.max(idle, bucket.lands1) end
  local saved
  if bucket.leased == 0 and bucket.flying0 == 0 then
    saved = pack(SHORT, bucket.tokens, bucket.updated, bucket.flying1, bucket.lands1, limit.rate, limit.burst)
  else
    saved = pack(LONG, bucket.tokens, bucket.updated, bucket.leased, bucket.earliest, bucket.latest,
      bucket.flying0, bucket.lands0, bucket.flying1, bucket.lands1, limit.rate, limit.burst)
  end
  local full = idle - now + (limit.size - bucket.tokens) / limit.flow
  call('SET', key, saved, 'PX', math.ceil(full / 1000) + 1000)
end
`
