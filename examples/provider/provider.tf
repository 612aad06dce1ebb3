terraform {
  required_version = ">= 1.11"
  required_providers {
    provisioning = {
      source = "openprovisioning/provisioning"
    }
  }
}

# Without arguments: an agent of your own on this machine, which is started when it is needed.
provider "provisioning" {
  # data_dir = "/var/lib/provisioning"

  # Or an agent on another machine, with its token in PROVISIONING_TOKEN:
  # endpoint = "https://agent.example.com:8443"
}
