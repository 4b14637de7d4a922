"""What a mix adds to a DAWproject: sends, groups, effect channels, returns as audio."""
