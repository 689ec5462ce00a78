"""The operators' page and the API: pages, ``/api/v1``, sign-in, roles, audit, health and metrics.

One request, in the order it meets the modules:

1. named, limited and dressed in headers     :mod:`appliance.admin.middleware`
2. led by the one table of routes            :mod:`appliance.admin.routing`, ``route_table``
3. told who asks                             :mod:`appliance.admin.sessions`, ``api_tokens``
4. let in or refused, read and checked       :mod:`appliance.admin.gate`
5. answered by a handler                     :mod:`appliance.admin.pages`, ``api``
6. which speaks to the database              :mod:`appliance.admin.database`
7. and leaves its trace                      :mod:`appliance.admin.audit`
"""
