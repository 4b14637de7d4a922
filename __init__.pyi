# The public names and where they are: the one list. `__init__.py` looks them up in it when they are used.
# `import A as A` and `B = A` make a name public.
from .bridge.push.pulling import Pulled as Pulled
from .bridge.push.pulling import pull_preset
from .bridge.push.pushing import PushOptions as PushOptions
from .bridge.push.pushing import PushResult as PushResult
from .bridge.push.pushing import push_preset
from .bridge.push.undoing import undo as undo
from .bridge.sessions.inserting import insert as insert
from .bridge.sessions.reading import read_session as read_session
from .export.recovery.files import RecoveryResult as RecoveryResult
from .export.recovery.files import recover as recover
from .export.recovery.files import recover_mix as recover_mix
from .presets.editing.by_hand import edited as edited
from .presets.errors import AudioError as AudioError
from .presets.errors import DeskError as DeskError
from .presets.errors import DeviceError as DeviceError
from .presets.errors import InsertError as InsertError
from .presets.errors import MixbridgeError as MixbridgeError
from .presets.errors import ModelError as ModelError
from .presets.errors import OutputError as OutputError
from .presets.errors import PluginError as PluginError
from .presets.errors import PresetError as PresetError
from .presets.errors import ProviderError as ProviderError
from .presets.errors import SessionError as SessionError
from .presets.files import load, save
from .presets.preset import Preset as Preset
from .presets.preset import Track as Track
from .presets.version import __version__ as __version__
from .runtime.inserts.choosing import InsertWishes as InsertWishes
from .runtime.inserts.terms import InsertRules as InsertRules
from .runtime.master_file import MasterOptions as MasterOptions
from .runtime.master_file import master as master
from .runtime.mixing import apply as apply
from .runtime.mixing import mix as mix
from .runtime.mixing import predict as predict
from .runtime.model.controller import Controller as Controller
from .runtime.model.references import Reference as Reference
from .runtime.predicting import PredictOptions as PredictOptions
from .runtime.processor import AudioProcessor as AudioProcessor
from .runtime.rendering.render import RenderOptions as RenderOptions
from .runtime.results import MixResult as MixResult

load_preset = load
pull = pull_preset
push = push_preset
save_preset = save
