"""What the rules' tests share: random input is judged by what comes out, not by how busy the machine is."""

from hypothesis import settings

settings.register_profile("rules", deadline=None)
settings.load_profile("rules")
