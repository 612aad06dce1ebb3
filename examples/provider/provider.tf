terraform {
  required_version = ">= 1.11"
  required_providers {
    provisioning = {
      source = "openprovisioning/provisioning"
    }
  }
}

provider "provisioning" {
  data_dir = "/var/lib/provisioning"
}
