"""Members of an own package, as a user writes them: `plugins: [plugin_package]`."""

from plugin_package import letters as letters
from plugin_package import quantiles as quantiles
