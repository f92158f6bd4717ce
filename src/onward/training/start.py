"""The network that a training starts from."""

from onward.artifacts.prepared import Prepared
from onward.errors import ConfigError
from onward.network.bag import load_network
from onward.network.network import Network
from onward.network.start import Start


def load_start(prepared: Prepared) -> Start | None:
    """The network of ``prepare.start_from``, if there is one.

    Raises:
        ConfigError: if it consists of several networks.
    """
    start = prepared.profiles().get("start_from")
    if start is None:
        return None
    network = load_network(prepared.start())
    if not isinstance(network, Network):
        raise ConfigError(
            "prepare.start_from: the model consists of several networks (train.folds or"
            " train.members), and a training continues one. Remove `start_from`, or train that"
            " model again with `folds: 1` and without `members`"
        )
    return Start(network, start["kept"])
