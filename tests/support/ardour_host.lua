-- Ardour without a window: makes a session, then runs the Lua files that are put into a folder, until told to stop.
-- luasession runs it. From the environment: MIXBRIDGE_SESSION (folder to make), MIXBRIDGE_RATE (of the session, in Hz),
-- MIXBRIDGE_TRACKS ("name:channels" lines), MIXBRIDGE_COMMANDS (an existing folder).

local folder = os.getenv ("MIXBRIDGE_SESSION")
local commands = os.getenv ("MIXBRIDGE_COMMANDS")

function ardour () end -- scripts of the Script Manager open with this

local session = create_session (folder, "test", tonumber (os.getenv ("MIXBRIDGE_RATE")))
assert (session, "no session")
for name, channels in os.getenv ("MIXBRIDGE_TRACKS"):gmatch ("([^\n]+):(%d)") do
	session:new_audio_track (tonumber (channels), 2, nil, 1, name, ARDOUR.PresentationInfo.max_order,
		ARDOUR.TrackMode.Normal, true)
end
session:save_state ("", false, false, false, false, false)

-- For commands: saves nothing, and opens the session or snapshot of that name in the same folder.
function reopen (name)
	session:close ()
	session = load_session (folder, name)
	assert (session, "no session")
end

local function exists (name)
	return ARDOUR.LuaAPI.file_test (commands .. "/" .. name, ARDOUR.LuaAPI.FileTest.Exists)
end

local function answer (text)
	local file = io.open (commands .. "/answer.part", "w")
	file:write (text)
	file:close ()
	os.rename (commands .. "/answer.part", commands .. "/answer")
end

answer ("ready")
while not exists ("stop") do
	sleep (0.02)
	if exists ("command.lua") then
		os.rename (commands .. "/command.lua", commands .. "/running.lua")
		local ok, result = pcall (dofile, commands .. "/running.lua")
		answer ((ok and "ok " or "error ") .. tostring (result))
	end
end
session:close ()
quit ()
