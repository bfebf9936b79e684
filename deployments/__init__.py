"""The trade: what the portal does with Roboflow's Dedicated Deployments, one room per capability."""
