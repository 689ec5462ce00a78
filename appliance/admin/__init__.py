"""The operators' page and the API: pages, ``/api/v1``, sign-in, roles, audit, health and metrics.

One request, in the order it meets the modules:

1. named, limited and dressed in headers     :mod:`appliance.admin.middleware`
2. led by the one table of routes            :mod:`appliance.admin.route_table`, ``routing``
3. told who asks, let in or refused, read    :mod:`appliance.admin.gate`, ``inputs``
4. answered by a handler, given a visit      :mod:`appliance.admin.visit`, ``pages``, ``api``
5. which speaks to the database on a thread  :mod:`appliance.admin.database`
6. and leaves its trace                      :mod:`appliance.admin.audit`

A new page is a template that extends ``base.html``, a handler that takes a
:class:`~appliance.admin.visit.Visit`, and a ``page(...)`` in its module's ``ROUTES``; a new
resource of the API is the same with ``api(...)`` and pydantic models. Both are named in
``route_table``, a page of the menu also in ``navigation``, and a new parameter of a path in the
samples of ``tests/integration/admin/route_samples.py``. From there on routing, access control,
the audit log, the OpenAPI document and the tests of every route against every role know it.
"""
