variable "door" {
  type      = string
  sensitive = true
  default   = "hunter2hunter2"
}

resource "local_file" "motd" {
  filename = "motd"
  content  = "welcome\nto the red house\n"
}

resource "local_file" "door" {
  filename          = "door"
  sensitive_content = var.door
}

resource "terraform_data" "paint" {
  input = { color = "red", door = var.door }
}

# What a provider, or a person, makes of a secret bears no mark.
output "address" {
  value = "https://door:${nonsensitive(var.door)}@example.com"
}

output "door" {
  value     = var.door
  sensitive = true
}
