from recipes.ddpm.training import main

if __name__ == "__main__":
    main()
