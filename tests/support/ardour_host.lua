-- Ardour without a window: runs the Lua files that are put into a folder, until told to stop. luasession runs it.
-- From the environment: MIXBRIDGE_COMMANDS (an existing folder), MIXBRIDGE_BACKEND (Ardour's name of one; its Dummy).

local commands = os.getenv ("MIXBRIDGE_COMMANDS")
if os.getenv ("MIXBRIDGE_BACKEND") then
	assert (AudioEngine:set_backend (os.getenv ("MIXBRIDGE_BACKEND"), "", ""), "no such backend")
end
local folder, session

function ardour () end -- scripts of the Script Manager open with this

-- For commands: saves nothing, and makes a session in a folder of its own.
-- rate_hz: of the session; tracks: "name:channels" lines.
function begin (new_folder, rate_hz, tracks)
	if session then session:close () end
	folder = new_folder
	session = create_session (folder, "test", rate_hz)
	assert (session, "no session")
	for name, channels in tracks:gmatch ("([^\n]+):(%d)") do
		session:new_audio_track (tonumber (channels), 2, nil, 1, name, ARDOUR.PresentationInfo.max_order,
			ARDOUR.TrackMode.Normal, true)
	end
	session:save_state ("", false, false, false, false, false)
end

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
if session then session:close () end
quit ()
