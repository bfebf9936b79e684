"""Create, pause, resume and delete deployments: the only way in which the portal changes Roboflow."""
