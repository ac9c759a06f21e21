"""The sandbox: a payment gateway that misbehaves on request, and the movable clock. Off unless asked for."""
