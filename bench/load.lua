-- Sends one scenario's requests with wrk, and prints one line of JSON with the figures.
-- Arguments: the scenario, and the users file that bench/dataset.py wrote.

local SCENARIOS = {}
local users, group_users, first_id, tasks_each
local headers = {}       -- by user, from 1
local body_headers = {}  -- the same, for requests with a body
local deleted = 0

local CREATE_BODY = '{"title":"Water the plants on the balcony","description":"Twice a week in summer","due_date":"2026-06-01T09:00:00Z"}'

local function read_users(file, wanted)
  local inside = false
  for line in io.lines(file) do
    local name, first, count, tasks = line:match("^group (%S+) (%d+) (%d+) (%d+)$")
    if name then
      inside = name == wanted
      if inside then first_id, group_users, tasks_each = tonumber(first), tonumber(count), tonumber(tasks) end
    elseif inside then
      headers[#headers + 1] = { ["Authorization"] = "Bearer " .. line }
      body_headers[#headers] = { ["Authorization"] = "Bearer " .. line, ["Content-Type"] = "application/json" }
    end
  end
  users = #headers
end

-- Task `number` of user `user`, both from 0: ids are numbered as if the users had created tasks in turns.
local function path_of(user, number)
  return "/api/tasks/" .. (first_id + number * group_users + user)
end

local function list(user)
  return wrk.format("GET", "/api/tasks", headers[user + 1])
end

local function search(user)
  return wrk.format("GET", "/api/tasks?search=landlord", headers[user + 1])
end

local function create(user)
  return wrk.format("POST", "/api/tasks", body_headers[user + 1], CREATE_BODY)
end

local function toggle(user, number)
  return wrk.format("PATCH", path_of(user, number) .. "/complete", headers[user + 1])
end

-- Deletes each task in the second half of each user's tasks once.
local function delete_next()
  local user, number = deleted % users, math.floor(tasks_each / 2) + math.floor(deleted / users)
  deleted = deleted + 1
  if number >= tasks_each then return list(user) end
  return wrk.format("DELETE", path_of(user, number), headers[user + 1])
end

local function any_user() return math.random(0, users - 1) end

SCENARIOS["get-one"] = { group = "twenty", request = function()
  local user = any_user()
  return wrk.format("GET", path_of(user, math.random(0, tasks_each - 1)), headers[user + 1])
end }
SCENARIOS["list-of-10"] = { group = "ten", request = function() return list(any_user()) end }
SCENARIOS["list-of-20"] = { group = "twenty", request = function() return list(any_user()) end }
SCENARIOS["list-of-100"] = { group = "hundred", request = function() return list(any_user()) end }
SCENARIOS["list-of-1000"] = { group = "thousand", request = function() return list(any_user()) end }
SCENARIOS["list-of-10000"] = { group = "ten-thousand", request = function() return list(any_user()) end }
SCENARIOS["search"] = { group = "twenty", request = function() return search(any_user()) end }
SCENARIOS["create"] = { group = "creators", request = function() return create(any_user()) end }
SCENARIOS["toggle"] = { group = "twenty", request = function()
  return toggle(any_user(), math.random(0, tasks_each - 1))
end }

local function mixed(delete)
  return function()
    local dice = math.random(100)
    if dice <= 70 then return list(any_user()) end
    if dice <= 85 then return create(any_user()) end
    if dice <= 95 then return toggle(any_user(), math.random(0, math.floor(tasks_each / 2) - 1)) end
    return delete()
  end
end

SCENARIOS["mixed"] = { group = "mixers", request = mixed(delete_next) }
-- The warm-up of `mixed` deletes nothing, so that the measured run can delete every task.
SCENARIOS["mixed-warm-up"] = { group = "mixers", request = mixed(function() return list(any_user()) end) }

SCENARIOS["login"] = { group = "accounts", request = function()
  return wrk.format("POST", "/auth/login", { ["Content-Type"] = "application/json" },
    '{"email":"bench@example.com","password":"correct horse battery staple"}')
end }

function init(arguments)
  local scenario = SCENARIOS[arguments[1]]
  read_users(arguments[2], scenario.group)
  math.randomseed(20260206)
  request = scenario.request
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p95_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,' ..
    '"bad_status":%d,"socket_errors":%d,"timeouts":%d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
