/** The circuit of a fleet: who reports failures, who probes, and what state all are in. */
import { MEMORY_LUA } from './memory-lua.ts'
import { type Script, script } from './script.ts'

/**
 * KEYS after the common two: the circuit, who has reported failures and when, who probes. ARGV after the common nine: what is
 * done (`look`, `report`, `well`, `claim`, `succeeded`, `failed`, `release`), how many processes there are, quorum, window
 * of reports, how long it stays open, length of a step of the ramp (microseconds), lease of the probe (milliseconds),
 * generation that the doer knows, channel, note. Adds to the reply: generation, state (0 closed, 1 open, 2 recovering),
 * microseconds since it changed, 1 if this process has the probe, note.
 *
 * A generation is the time of its change, so that it grows even when Redis has forgotten the one before.
 */
const CIRCUIT_LUA = `
local act, processes, quorum = ARGV[10], tonumber(ARGV[11]), tonumber(ARGV[12])
local window, open, step = tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15])
local saved = call('HMGET', KEYS[3], 'generation', 'state', 'changed', 'note')
local generation, state = tonumber(saved[1] or '0'), tonumber(saved[2] or '0')
local changed, note = tonumber(saved[3] or '0'), saved[4] or ''

local function become(to, why)
  generation, state, changed, note = math.max(now, generation + 1), to, now, why
  call('HSET', KEYS[3], 'generation', string.format('%.0f', generation), 'state', to,
    'changed', string.format('%.0f', changed), 'note', note)
  call('PUBLISH', ARGV[18], string.format('%.0f %d %s', generation, state, note))
end

local function probes()
  return call('GET', KEYS[5]) == ARGV[1]
end

if state == 2 and now - changed >= 4 * step then become(0, 'recovered') end

if act == 'report' then
  call('ZADD', KEYS[4], now, ARGV[1])
  call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - window)
  local reporters = call('ZCARD', KEYS[4])
  if state ~= 1 and reporters >= math.min(quorum, math.max(1, processes)) then
    become(1, string.format('%d of %d processes find it failing: %s', reporters, math.max(1, processes), ARGV[19]))
  end
elseif act == 'well' then
  call('ZREM', KEYS[4], ARGV[1])
elseif act == 'claim' then
  if state == 1 and now - changed >= open then
    call('SET', KEYS[5], ARGV[1], 'NX', 'PX', ARGV[16])
    if probes() then call('PEXPIRE', KEYS[5], ARGV[16]) end
  end
elseif act == 'succeeded' or act == 'failed' then
  if probes() and state == 1 and tonumber(ARGV[17]) == generation then
    call('DEL', KEYS[5])
    call('DEL', KEYS[4])
    if act == 'succeeded' then become(2, 'the probe succeeded') else become(1, 'the probe failed: ' .. ARGV[19]) end
  end
elseif act == 'release' then
  if probes() then call('DEL', KEYS[5]) end
end

local kept = math.ceil((open + window + 4 * step) / 1000) + 3600000
call('PEXPIRE', KEYS[3], kept)
call('PEXPIRE', KEYS[4], kept)
reply[5], reply[6], reply[7] = string.format('%.0f', generation), state, now - changed
reply[8] = probes() and state == 1 and 1 or 0
reply[9] = note
return reply
`

/** Keeps the circuit of a fleet. */
export const KEEP_CIRCUIT: Script = script('keep-circuit', MEMORY_LUA, CIRCUIT_LUA)
