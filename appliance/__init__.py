"""A telephone appliance: it answers, listens, decides, speaks and connects.

The story of one call, and where to read it:

1. FreeSWITCH hands the call over                   :mod:`appliance.switch.call_server`
2. the controller takes it                          :mod:`appliance.controller.supervisor`
3. answers, and opens its audio                     :mod:`appliance.actions.line`, ``media``
4. greets                                           :mod:`appliance.dialogue.conversation`
5. hears the caller, and when they are done         :mod:`appliance.speech.turn_taker`
6. has it transcribed                               :mod:`appliance.speech.recognizer`
7. decides what to do about it                      :mod:`appliance.decisions.chain`
8. says so                                          :mod:`appliance.controller.speaking`
9. rings a desk, announces the caller, connects     :mod:`appliance.actions.attended_transfer`
10. and has recorded every step of it               :mod:`appliance.events.log`, ``storage``

:mod:`appliance.wiring` is the only place where adapters are chosen; :mod:`appliance.lab` plays
whole calls without a telephone.
"""

__version__ = "0.1.0"
