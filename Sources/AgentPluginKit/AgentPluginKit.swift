internal import PluginABI
