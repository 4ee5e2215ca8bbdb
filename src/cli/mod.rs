pub mod playbook;
