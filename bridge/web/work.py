"""All that the page can ask for, together: the studio, what it makes, where it sends."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...runtime.model.bundle import DEFAULT_MODEL
from ..plugins.using.choices import PluginChoices
from ..sessions.core.model import Session
from .doing.desk import PageDesk
from .doing.engine import PageEngine
from .doing.making import PageMaking
from .doing.plugging import PagePlugins
from .doing.sessions import PageSessions
from .showing.waves import Waves
from .studio import PageStudio


@dataclass
class PageWork:
    """What the page works with.

    Attributes:
        studio: the preset and the material.
        model: what predicts: the name of a model that ships, or a bundle's folder.
        making: predicts and renders.
        opened: the DAW session that the stems are from; None if they were files.
        desk: pushes.
        choices: which of the user's plug-ins states are written of; None if the command names none.
        engine: the live engine that is followed; None for none.
        left_out: files that were not opened and might be missed, by name and why.
        sessions: writes session files.
        plugins: writes states of plug-ins.
        waves: of the files.
    """

    studio: PageStudio
    model: str = DEFAULT_MODEL
    opened: Session | None = None
    choices: PluginChoices | None = None
    engine: PageEngine | None = None
    left_out: tuple[str, ...] = ()
    sessions: PageSessions = field(init=False)
    making: PageMaking = field(init=False)
    desk: PageDesk = field(init=False)
    plugins: PagePlugins = field(init=False)

    waves: Waves = field(init=False, default_factory=Waves)

    def __post_init__(self) -> None:
        self.making = PageMaking(self.studio, self.model)
        self.sessions = PageSessions(self.studio, self.opened)
        self.desk = PageDesk(self.studio)
        self.plugins = PagePlugins(self.studio, self.choices)
