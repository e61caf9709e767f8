"""Steps on events of lesions and responses of patients."""
