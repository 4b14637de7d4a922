from mixbridge.bridge.report.brief import describe_role
from mixbridge.presets.preset import Track


def test_role_in_words():
    assert describe_role(Track(name="OH L", role="overhead", link="OH")) == "overhead, linked as OH"
    assert describe_role(Track(name="Vox", role="lead vocal")) == "lead vocal"
    assert describe_role(Track(name="Audio 1")) == ""
