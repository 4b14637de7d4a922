"""DAWproject files (.dawproject) of Bitwig Studio, Studio One and Cubase."""
