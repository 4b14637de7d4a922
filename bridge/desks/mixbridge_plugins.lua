-- Gives every track, every bus and the master the two plug-ins that mixbridge sets: ACE EQ, then ACE Compressor,
-- before the fader and behind what else is there. What is there already is left as it is. OSC cannot insert plug-ins,
-- so Ardour has to run this itself.
--
-- Once: copy this file to Ardour's own folder for scripts (Linux ~/.config/ardour7/scripts, macOS
-- ~/Library/Preferences/Ardour7/scripts, Windows %localappdata%\ardour7\scripts). In Ardour: Edit > Lua Scripts >
-- Script Manager > Action Scripts, choose an action that is unset, Add/Set, Refresh, "mixbridge plug-ins", Add.
-- Whenever tracks are new: Edit > Lua Scripts > mixbridge plug-ins. Save the session before; there is no undo for it.

ardour {
	["type"] = "EditorAction",
	name = "mixbridge plug-ins",
	license = "Apache-2.0",
	author = "mixbridge",
	description = [[Inserts ACE EQ and ACE Compressor before the fader of every track, bus and the master that lacks them, so that "mixbridge push" can set them.]]
}

function factory () return function ()
	local EQ = { name = "ACE EQ", uri = "urn:ardour:a-eq", stereo = "urn:ardour:a-eq" }
	local COMPRESSOR = { name = "ACE Compressor", uri = "urn:ardour:a-comp", stereo = "urn:ardour:a-comp#stereo" }

	local function id (object)
		return object:to_stateful ():id ():to_s ()
	end

	-- Places count what the mixer shows before the fader, from 0, as Ardour does where it inserts.
	local function places (route)
		local found, place, n = {}, 0, 0
		local before_fader = true
		local processor = route:nth_processor (n)
		while not processor:isnil () do
			if id (processor) == id (route:amp ()) then
				before_fader = false
			end
			local insert = processor:to_insert ()
			if not insert:isnil () then
				local plugin = insert:plugin (0)
				local name = plugin and not plugin:isnil () and plugin:name () or ""
				found[#found + 1] = { name = name, place = place, before_fader = before_fader }
			end
			if before_fader and processor:display_to_user () then
				place = place + 1
			end
			n = n + 1
			processor = route:nth_processor (n)
		end
		return found, place
	end

	local function is (wanted, name)
		return name:sub (1, #wanted.name) == wanted.name
	end

	local function find (wanted, found)
		for _, plugin in ipairs (found) do
			if is (wanted, plugin.name) then return plugin end
		end
	end

	-- Audio channels that reach the plug-ins: those of the input, or of the instrument on a MIDI track.
	local function channels (route)
		local inputs = route:n_inputs ():n_audio ()
		if inputs > 0 then
			return inputs
		end
		local instrument = route:the_instrument ()
		return instrument:isnil () and 0 or instrument:output_streams ():n_audio ()
	end

	local function insert (route, wanted, place)
		local uri = channels (route) == 2 and wanted.stereo or wanted.uri
		local plugin = ARDOUR.LuaAPI.new_plugin (Session, uri, ARDOUR.PluginType.LV2, "")
		if plugin:isnil () then
			return 0
		end
		return route:add_processor_by_index (plugin, place, nil, true) == 0 and 1 or 0
	end

	-- The EQ stands before the compressor, wherever the user has put that one of the two that is there.
	local function complete (route)
		local inserted = 0
		local found, fader = places (route)
		local compressor = find (COMPRESSOR, found)
		if not find (EQ, found) then
			inserted = inserted + insert (route, EQ, compressor and compressor.before_fader and compressor.place or fader)
			found, fader = places (route)
		end
		local eq = find (EQ, found)
		if not compressor then
			inserted = inserted + insert (route, COMPRESSOR, eq and eq.before_fader and eq.place + 1 or fader)
		end
		return inserted
	end

	local inserted = 0
	for route in Session:get_routes ():iter () do
		if not (route:is_monitor () or route:is_auditioner ()) and channels (route) > 0 then
			inserted = inserted + complete (route)
		end
	end
	print ("mixbridge: " .. inserted .. " plug-ins inserted")
	collectgarbage ()
end end
