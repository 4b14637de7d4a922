"""What a person may have now, to compare with: black boxes trained end to end on the same pairs.

None of it is needed to mix; nothing in a preset comes from here.
"""
