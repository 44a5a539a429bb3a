"""Every error that Shadowboard raises on purpose. Each message is one sentence for a person.

ShadowboardError
├── SettingsInvalid            an environment variable or option that cannot be used
├── ConfigurationInvalid       a knob of a run that cannot be used
├── DatasetError
│   ├── DatasetMissing         no such folder or file
│   └── DatasetDamaged         a file that is there and is not what it should be
├── ImageMissing               no such image in the data set
├── PictureInvalid             bytes that are no picture, or a picture that cannot be read as a digit
├── CheckpointError
│   ├── CheckpointMissing      no such checkpoint
│   ├── CheckpointDamaged      a checkpoint whose bytes fail TensorFlow's checks
│   ├── CheckpointUnsuitable   a good checkpoint that does not hold what was asked for
│   └── SaveFailed             the disk refused a checkpoint
├── RunError
│   ├── RunMissing             no such run
│   └── RunBusy                the run is in a state that does not allow this
├── StudyMissing               no such study
├── PackageMissing             something is asked for that needs a package which is not installed
├── LeaseLost                  another worker has taken the run over
├── Busy                       more work is waiting than can be done soon
└── StoreUnavailable           the database cannot be opened, read or written
"""

from shadowboard.printable import in_a_line, shortened

_LONGEST = 1900  # characters; a name in a file, which a message repeats, may have any number of them


class ShadowboardError(Exception):
    """The root: a message that a person can act on, in a line and not too long for that."""

    def __init__(self, message: str) -> None:
        super().__init__(shortened(in_a_line(message), _LONGEST))


class SettingsInvalid(ShadowboardError):
    """An environment variable or option that cannot be used."""


class ConfigurationInvalid(ShadowboardError):
    """A knob of a run that cannot be used."""


class DatasetError(ShadowboardError):
    """The images or labels cannot be had."""


class DatasetMissing(DatasetError):
    """No such folder or file."""


class DatasetDamaged(DatasetError):
    """A file that is there and is not what it should be."""


class ImageMissing(ShadowboardError):
    """No such image in the data set."""


class PictureInvalid(ShadowboardError):
    """Bytes that are no picture, or a picture that cannot be read as a digit."""


class CheckpointError(ShadowboardError):
    """A checkpoint cannot be read or written."""


class CheckpointMissing(CheckpointError):
    """No such checkpoint."""


class CheckpointDamaged(CheckpointError):
    """A checkpoint whose bytes fail TensorFlow's checks."""


class CheckpointUnsuitable(CheckpointError):
    """A good checkpoint that does not hold what was asked for."""


class SaveFailed(CheckpointError):
    """The disk refused a checkpoint."""


class RunError(ShadowboardError):
    """A run cannot be used as asked."""


class RunMissing(RunError):
    """No such run."""


class RunBusy(RunError):
    """The run is in a state that does not allow this."""


class StudyMissing(ShadowboardError):
    """No such study."""


class PackageMissing(ShadowboardError):
    """What is asked for needs a package that is not installed."""


class LeaseLost(ShadowboardError):
    """Another worker has taken the run over."""


class Busy(ShadowboardError):
    """More work is waiting than can be done soon."""


class StoreUnavailable(ShadowboardError):
    """The database cannot be opened, read or written."""
