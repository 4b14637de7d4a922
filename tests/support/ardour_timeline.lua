-- For commands of ardour_host.lua: recordings placed on tracks, and what Ardour makes of them, as files.

local recordings = {}
for _, region in pairs (ARDOUR.RegionFactory.regions ():table ()) do
	recordings[region:name ()] = region
end

-- A piece of a recording on a track: `at`, `from` and `length` in frames; fades are { shape, length } or nil.
function place (track, recording, name, at, from, length, fade_in, fade_out)
	local region = ARDOUR.RegionFactory.clone_region (recordings[recording], false, false)
	region:set_name (name)
	region:set_length (Temporal.timecnt_t (length))
	region:set_start (Temporal.timepos_t (from))
	Session:route_by_name (track):to_track ():playlist ():add_region (region, Temporal.timepos_t (at), 1, false)
	local audio = region:to_audioregion ()
	if fade_in then
		audio:set_fade_in_shape (ARDOUR.FadeShape[fade_in[1]])
		audio:set_fade_in_length (fade_in[2])
	end
	if fade_out then
		audio:set_fade_out_shape (ARDOUR.FadeShape[fade_out[1]])
		audio:set_fade_out_length (fade_out[2])
	end
	return region, audio
end

function save ()
	Session:save_state ("", false, false, false, false, false)
end

-- The stems of all tracks, frames 0 to `frames`: lines of track, tab, and a file for each channel.
function bounce (frames, prefix, with_fader)
	local lines = {}
	for route in Session:get_tracks ():iter () do
		local track = route:to_track ()
		local target = with_fader and track:main_outs () or ARDOUR.LuaAPI.nil_proc ()
		local region = track:bounce_range (0, frames, ARDOUR.InterThreadInfo (), target, false, prefix .. route:name ())
		local files = {}
		for channel = 0, region:to_audioregion ():n_channels () - 1 do
			files[#files + 1] = region:source (channel):to_filesource ():path ()
		end
		lines[#lines + 1] = route:name () .. "\t" .. table.concat (files, "\t")
	end
	return table.concat (lines, "\n")
end
