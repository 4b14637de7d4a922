-- The low and high pass of a track, where Ardour does not have the version of its ACE High/Low Pass Filter that
-- mixbridge knows: it stands in the session file, with the same name and parameters. Biquads of the Audio EQ Cookbook.

ardour {
	["type"] = "dsp",
	name = "ACE High/Low Pass Filter",
	category = "Filter",
	license = "Apache-2.0",
	author = "mixbridge",
	description = [[Low and high pass of 12 to 48 dB an octave]]
}

function dsp_ioconfig ()
	return { { audio_in = -1, audio_out = -1 } }
end

function dsp_params ()
	local steps = { ["Off"] = 0, ["12dB/oct"] = 1, ["24dB/oct"] = 2, ["36dB/oct"] = 3, ["48dB/oct"] = 4 }
	local function steepness (name)
		return { ["type"] = "input", name = name, min = 0, max = 4, default = 1, enum = true, scalepoints = steps }
	end
	local function frequency (name, lowest, usual)
		return { ["type"] = "input", name = name, min = lowest, max = 20000, default = usual, unit = "Hz",
			logarithmic = true }
	end
	local function resonance (name)
		return { ["type"] = "input", name = name, min = 0.1, max = 6, default = .707, logarithmic = true }
	end
	return
	{
		steepness ("High Pass Steepness"), frequency ("High Pass Cut off frequency", 5, 100),
		resonance ("High Pass Resonance"),
		steepness ("Low Pass Steepness"), frequency ("Low Pass Cut off frequency", 20, 18000),
		resonance ("Low Pass Resonance"),
		{ ["type"] = "input", name = "Enable", min = 0, max = 1, default = 1, bypass = true, toggled = true },
	}
end

local MOST = 4
local rate_hz, sections, current = 48000, {}, {}

function dsp_init (rate)
	rate_hz = rate
end

function dsp_configure (ins, outs)
	sections, current = {}, {}
	for channel = 1, ins:n_audio () do
		sections[channel] = {}
		for n = 1, 2 * MOST do
			sections[channel][n] = ARDOUR.DSP.Biquad (rate_hz)
		end
	end
	collectgarbage ()
end

local function set (ctrl)
	local is_changed = false
	for n = 1, 7 do
		is_changed = is_changed or ctrl[n] ~= current[n]
		current[n] = ctrl[n]
	end
	if not is_changed then return end
	for _, channel in ipairs (sections) do
		for n = 1, MOST do
			local highest = 0.499 * rate_hz
			channel[n]:compute (ARDOUR.DSP.BiquadType.HighPass, math.min (highest, ctrl[2]), ctrl[3], 0)
			channel[MOST + n]:compute (ARDOUR.DSP.BiquadType.LowPass, math.min (highest, ctrl[5]), ctrl[6], 0)
		end
	end
end

function dsp_run (ins, outs, n_samples)
	local ctrl = CtrlPorts:array ()
	set (ctrl)
	local is_on = ctrl[7] > 0
	local steep = { is_on and math.floor (ctrl[1] + 0.5) or 0, is_on and math.floor (ctrl[4] + 0.5) or 0 }
	for channel = 1, #ins do
		if ins[channel] ~= outs[channel] then
			ARDOUR.DSP.copy_vector (outs[channel]:offset (0), ins[channel]:offset (0), n_samples)
		end
		for pass = 0, 1 do
			for n = 1, steep[pass + 1] do
				sections[channel][pass * MOST + n]:run (outs[channel]:offset (0), n_samples)
			end
		end
	end
end
