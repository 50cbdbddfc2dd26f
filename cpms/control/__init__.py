"""The site's decisions: pure, events in, effects out.

controller   SiteController.handle(event, now) -> effects
 +-- situation            what is known
 +-- learning             meters: book (sessions), obedience, guard, peaks
 +-- acting               wishes -> fit -> dispatch -> grants; replan, request; fallback
      +-- ledger, account, bins   the worst case of everything that may be in force
"""
