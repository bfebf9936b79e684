"""What the portal does with Roboflow's Dedicated Deployments: one package per capability."""
