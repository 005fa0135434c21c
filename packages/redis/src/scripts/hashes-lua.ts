/**
 * Where the buckets of one limit are kept: as fields of two hashes, of which one is written and the other only read. A
 * bucket is full again a period after it was used last. So a hash is written for a period and read for one more; then all
 * of its buckets are as if they were not there, and it is thrown away whole, by Redis's other thread. That costs a third of
 * what a key with an expiry costs for each bucket, and many buckets are read and written with one command.
 *
 * What a hash says of itself is in the field without a name: which memory it belongs to (when that began), since when it is
 * written, for how long, and the limit. A hash of another memory is as if it were not there. Times are of the clock by which
 * the limit goes. A period never gets shorter, so that it is long enough for all who ask. Who has asked sees to it that what
 * is of no use any more is thrown away (`tidy`); what nobody sees to expires, for which Redis stands still while it is large.
 */
export const HASHES_LUA: string = `
local ABOUT = '<ddddd'

local function keptMs(limit, us)
  if limit.rate > 0 then return math.ceil(us / 1000) + 1000 end
  return math.ceil(2 * us / math.max(limit.pace, 0.001) / 1000) + 1000
end

-- How long a bucket of that many tokens is remembered, of which something may be out for that long.
local function periodOf(limit, life, tokens)
  return (limit.whole - tokens) / limit.flow + life + 1000
end

local function readHash(key, limit, fields)
  local saved = call('HMGET', key, spread(fields))
  local hash = { key = key, born = -math.huge, period = 0, saved = {} }
  local about = saved[#fields]
  if not about then return hash end
  local memory, born, period, rate, burst = unpack(ABOUT, about)
  if memory ~= began then return hash end
  if rate ~= limit.rate or burst ~= limit.burst then
    local time = now
    if rate < 0 then time = flowed end
    if time < born + 2 * period then hash.rate, hash.burst = rate, burst end
    return hash
  end
  hash.born, hash.period, hash.saved = born, period, saved
  return hash
end

-- Reads buckets. life: for how long after this something of them may be out. nil, rate and burst if others use the limit's
-- name with another limit.
local function open(first, second, limit, life, fields)
  fields[#fields + 1] = ''
  local recent, older = readHash(first, limit, fields), readHash(second, limit, fields)
  if recent.rate then return nil, recent.rate, recent.burst end
  if older.rate then return nil, older.rate, older.burst end
  if older.born > recent.born then recent, older = older, recent end
  local period = math.max(periodOf(limit, life, 0), recent.period, older.period)
  if limit.now >= recent.born + recent.period then
    recent, older = { key = older.key, isNew = true, born = math.max(limit.now, began), period = 0, saved = {} }, recent
  end
  return { recent = recent, older = older, period = period, limit = limit, changes = {} }
end

-- Throws away what is of no use any more. Returns how many hashes are left.
local function tidy(first, second, limit)
  local left = 0
  for _, key in ipairs({ first, second }) do
    local hash = readHash(key, limit, { '' })
    if hash.rate or limit.now < hash.born + 2 * hash.period then left = left + 1 else call('UNLINK', key) end
  end
  return left
end

local function savedAt(hashes, index)
  return hashes.recent.saved[index] or hashes.older.saved[index]
end

local function change(hashes, field, saved)
  local changes = hashes.changes
  changes[#changes + 1] = field
  changes[#changes + 1] = saved
end

local function write(hashes)
  local recent, limit, period, changes = hashes.recent, hashes.limit, hashes.period, hashes.changes
  if #changes == 0 then return end
  local isLonger = period > recent.period
  if recent.isNew then call('UNLINK', recent.key) end
  if isLonger then change(hashes, '', pack(ABOUT, began, recent.born, period, limit.rate, limit.burst)) end
  call('HSET', recent.key, spread(changes))
  if isLonger then call('PEXPIRE', recent.key, keptMs(limit, 2 * period)) end
end
`
