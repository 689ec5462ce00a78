"""Set-up: personas, numbers, people, extensions, departments, hours, trunks, the organisation.

One change, in the order it meets the modules:

1. what may be written                    :mod:`bodies`, of the values in :mod:`values`
2. read from a form, or taken as JSON     :mod:`forms`, :mod:`appliance.admin.api.setup`
3. checked against what is there, kept    :mod:`changes`, by the kind in :mod:`kinds`
4. remembered, and taken back             :mod:`history`
5. written for FreeSWITCH                 :mod:`phone_files`, :mod:`phones`
6. tried, without a call                  :mod:`trying`
"""
