"""What any party of an order may ask of the API, each as who it is: its buyer, its shop, the platform's staff."""
